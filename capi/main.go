// Command capi is libmcd.so: the functions of include/mcd.h over the Go packages.
//
// The way of a call: guard.c (generated) turns away forked children, then enters the Go function go_<name>, whose body runs
// inside enter: it recovers panics and turns errors into statuses and messages. Handles (handle.go) name objects; arrays
// are the caller's and used in place (array.go). Nothing here knows physics or optimization.
//
//go:build cgo

package main

//go:generate go run ./generate

// #include "guard.h"
import "C"

func main() {}
