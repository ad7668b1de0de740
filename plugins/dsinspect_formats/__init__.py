"""The dataset formats that come with dsinspect: one module or folder, and one entry point, each."""
