"""What tests share: strategies, wrong implementations, oracles from the definition, records."""
