"""How clients may be reached, and what they agreed to: per client and channel."""
