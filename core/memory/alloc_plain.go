//go:build !cgo

package memory

import "unsafe"

func allocate(n int) ([]float64, func()) {
	block := make([]float64, n+Align/8)
	skip := 0
	if r := uintptr(unsafe.Pointer(&block[0])) % Align; r != 0 {
		skip = int(Align-r) / 8
	}
	return block[skip : skip+n : skip+n], func() {}
}
