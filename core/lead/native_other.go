//go:build !cgo || !amd64

package lead

type nativeTable = struct{}

var tables []nativeTable

func native() bool { return false }

func nativeMultiply(s *stop, a, b, c []complex128, n, l, m int)                {}
func nativeEliminate(s *stop, a, b []complex128, n, m int, least float64) bool { return false }
func nativeProducts(a, b, c []float64, rows, columns, n int)                   {}
func nativeSchur(s *stop, t, zt []complex128, n int) bool                      { return false }
func nativeMove(s *stop, t, zt []complex128, n int, wanted []bool)             {}
