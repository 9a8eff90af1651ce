"""The sums in arrays: these modules carry plans out, and decide nothing."""
