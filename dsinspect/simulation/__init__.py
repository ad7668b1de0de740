"""What trainers would make of a dataset: open -> load -> measure -> ask each trainer -> merge -> sum up."""
