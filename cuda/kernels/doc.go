// Package kernels holds the GPU kernels of the strip engine: their source (CUDA C++ without a toolkit), what a pinned clang makes
// of it (PTX, which every driver compiles for its own GPU), and the contract with those who launch them (abi.h, in Go abi.go).
//
// Package kernels/emulation runs the same source on the CPU.
package kernels

//go:generate python3 generate.py
//go:generate gofmt -w abi.go
//go:generate ./build.sh
