//go:build cgo

package main

// #include "guard.h"
import "C"

import (
	"unicode/utf8"
	"unsafe"

	"mcd/core/fault"
)

// number is the element type of an array on both sides of the boundary.
type number interface {
	C.double | C.int64_t | C.uint8_t | C.size_t | C.char
}

// array returns the caller's array of want elements in place; the slice must not outlive the call.
func array[G any, T number](name string, p *T, count C.size_t, want int) ([]G, error) {
	if uint64(count) != uint64(want) {
		return nil, fault.Invalid(name, "%d elements where %d are needed; give an array of that size", uint64(count), want)
	}
	return slice[G](name, p, count)
}

// optional is array where NULL with count 0 stands for none.
func optional[G any, T number](name string, p *T, count C.size_t, want int) ([]G, error) {
	if p == nil && count == 0 {
		return nil, nil
	}
	return array[G](name, p, count, want)
}

// maxElements keeps the bytes of an array within an int.
const maxElements = 1 << 48

// slice returns the caller's array in place.
func slice[G any, T number](name string, p *T, count C.size_t) ([]G, error) {
	switch {
	case count == 0:
		return []G{}, nil
	case p == nil:
		return nil, fault.Invalid(name, "NULL; give an array of %d elements", uint64(count))
	case count > maxElements:
		return nil, fault.Invalid(name, "%d elements are more than any machine holds; check the count", uint64(count))
	}
	return unsafe.Slice((*G)(unsafe.Pointer(p)), int(count)), nil
}

// store writes an output scalar.
func store[T any](name string, p *T, v T) error {
	if p == nil {
		return fault.Invalid(name, "NULL; give the place where the result goes")
	}
	*p = v
	return nil
}

// given returns an error unless an output scalar has a place.
func given[T any](name string, p *T) error {
	if p == nil {
		return fault.Invalid(name, "NULL; give the place where the result goes")
	}
	return nil
}

// room serves a getter of n elements: it returns the caller's first n elements, or nil if only their number was asked for.
func room[G any, T number](out *T, count C.size_t, needed *C.size_t, n int) ([]G, error) {
	if needed != nil {
		*needed = C.size_t(n)
	}
	if count == 0 {
		if needed == nil && n > 0 {
			return nil, fault.Invalid("needed", "NULL with count 0; give the place where the number of elements goes")
		}
		return nil, nil
	}
	if uint64(count) < uint64(n) {
		return nil, sizeError(int(min(count, maxElements)), n)
	}
	return slice[G]("out", out, C.size_t(n))
}

// deliver copies values to a getter's array.
func deliver[G any, T number](values []G, out *T, count C.size_t, needed *C.size_t) error {
	dst, err := room[G](out, count, needed, len(values))
	copy(dst, values)
	return err
}

// deliverText copies a text with its NUL to a getter's array.
func deliverText(text string, out *C.char, count C.size_t, needed *C.size_t) error {
	dst, err := room[byte](out, count, needed, len(text)+1)
	if dst != nil {
		copy(dst, text)
		dst[len(text)] = 0
	}
	return err
}

// text copies a text argument.
func text(name string, p *C.char) (string, error) {
	if p == nil {
		return "", fault.Invalid(name, "NULL; give a text")
	}
	s := C.GoString(p)
	if !utf8.ValidString(s) {
		return "", fault.Invalid(name, "%q is not UTF-8; convert it", s)
	}
	return s, nil
}
