"""A recorded sweep as one page of HTML, to look at."""
