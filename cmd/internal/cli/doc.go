// Package cli is the command line: one file per command, and the only place
// that sees both the adapters and the engine.
//
// It promises that results go to stdout and all else to stderr, that text from
// the two APIs is quoted before a terminal sees it, that no secret is printed,
// and that an exit code means one thing: 2 usage or config, 1 a store or
// source failed, 4 something is held, 3 drift (plan only), 0 done; the first
// that holds. Begin at [Main]; wire.go puts the program together.
package cli
