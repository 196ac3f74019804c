//go:build !cgo || !amd64

package kernel

func acceleratedFronts() []Front { return nil }
