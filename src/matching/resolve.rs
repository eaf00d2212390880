//! Clusters from scratch: links strongest first, joined unless a constraint speaks against it.
