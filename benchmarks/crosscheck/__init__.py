"""Our LSTMs beside neuralhydrology's, and the cost of training and prediction: see benchmarks/outside.py."""
