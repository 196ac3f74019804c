// Package fb is the access to the tables of include/mcd.fbs, written by the FlatBuffers compiler. Nothing here checks what it
// reads: package exchange verifies a buffer first.
package fb
