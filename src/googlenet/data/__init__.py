"""Data sets: readers that find images and labels (readers/), and a store of packed shards that all else reads."""
