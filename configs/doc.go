// Package configs reads the config file: strictly, and with every mistake
// named at once, each with its line, its key and what would be right.
//
// Secrets are references ([SecretRef]), never values, and what they lead to
// ([Secret]) cannot be printed. [Load] is where to begin; [Config] documents
// every key.
package configs
