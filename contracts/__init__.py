"""The only thing services share: what is said, how it is delivered, how a process starts."""
