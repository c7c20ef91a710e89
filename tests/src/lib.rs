//! Shared by the integration tests: where the data lies and how it is read.
