//go:build cgo

package main

// #include "guard.h"
import "C"

import (
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"

	"mcd/core/fault"
	"mcd/core/memory"
	"mcd/core/parallel"
)

// Errors that belong to the boundary alone.
type boundaryError struct {
	status C.mcd_status
	text   string
}

func (e *boundaryError) Error() string { return e.text }

func stateError(format string, values ...any) error {
	return &boundaryError{C.MCD_ERR_STATE, fmt.Sprintf(format, values...)}
}

func sizeError(count, needed int) error {
	return &boundaryError{C.MCD_ERR_SIZE, fmt.Sprintf("count: %d elements are too few; give at least %d", count, needed)}
}

// statusOf maps an error to its status.
func statusOf(err error) C.mcd_status {
	var b *boundaryError
	if errors.As(err, &b) {
		return b.status
	}
	switch fault.KindOf(err) {
	case fault.Argument:
		return C.MCD_ERR_ARGUMENT
	case fault.Memory:
		return C.MCD_ERR_NOMEM
	case fault.Cancelled:
		return C.MCD_ERR_CANCELLED
	case fault.File:
		return C.MCD_ERR_FILE
	case fault.Numerical:
		return C.MCD_ERR_NUMERICAL
	case fault.Unsupported:
		return C.MCD_ERR_UNSUPPORTED
	}
	return C.MCD_ERR_INTERNAL
}

// enter runs the body of an exported function: no panic passes it, and its error becomes a status and this thread's message.
func enter(body func() error) C.mcd_status {
	err := guarded(body)
	if err == nil {
		return C.MCD_OK
	}
	keep(err.Error())
	return statusOf(err)
}

func guarded(body func() error) (err error) {
	defer parallel.Recover(&err)
	panicIfPlanned(&panicInCall)
	return body()
}

func keep(text string) {
	C.mcd_set_error((*C.char)(unsafe.Pointer(unsafe.StringData(text))), C.size_t(len(text)))
}

// Faults that tests plant: panics at the nth passage of a place from now on.
var panicInCall, panicInWorker, panicInJob atomic.Int64

func panicIfPlanned(count *atomic.Int64) {
	if count.Load() > 0 && count.Add(-1) == 0 {
		panic("planted by a test")
	}
}

//export go_mcd_private_fault
func go_mcd_private_fault(what C.int32_t, count C.int64_t) C.mcd_status {
	switch what {
	case 0:
		panicInCall.Store(int64(count))
	case 1:
		panicInWorker.Store(int64(count))
	case 2:
		panicInJob.Store(int64(count))
	case 3:
		memory.FailAfter(int64(count), false)
	case 4:
		memory.FailAfter(int64(count), true)
	default:
		return C.MCD_ERR_ARGUMENT
	}
	return C.MCD_OK
}
