"""Generated from `proto/batos/v1`; never edited."""
