"""What must be right: each order is driven through its saga by command and result."""
