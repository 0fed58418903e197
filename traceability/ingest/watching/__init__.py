"""A folder that a camera drops photos into, brought into the house over REST."""
