//go:build cuda && cgo

package cuda

import (
	"fmt"
	"strconv"
	"strings"

	"mcd/adjoint"
	"mcd/core/fault"
	"mcd/core/scatter"
	"mcd/cuda/driver"
)

// Devices lists the GPUs, or one entry that says why there are none.
func Devices() []Description {
	found, err := driver.Devices()
	if err != nil {
		return []Description{{Name: "cuda", Text: err.Error()}}
	}
	all := make([]Description, len(found))
	for i := range found {
		all[i] = Description{Name: name(i), Text: found[i].String(), Available: true}
		if err := found[i].Usable(); err != nil {
			all[i].Text, all[i].Available = err.Error(), false
		}
	}
	return all
}

// name is the backend's name of a device.
func name(ordinal int) string {
	if ordinal == 0 {
		return "cuda"
	}
	return fmt.Sprintf("cuda:%d", ordinal)
}

// Check returns an error unless the device of a backend's name can be used.
func Check(backend string) error {
	_, err := device(backend)
	return err
}

// device finds the device of a backend's name.
func device(backend string) (driver.Device, error) {
	found, err := driver.Devices()
	if err != nil {
		return driver.Device{}, err
	}
	ordinal := 0
	if number, numbered := strings.CutPrefix(backend, "cuda:"); numbered {
		if ordinal, err = strconv.Atoi(number); err != nil || ordinal < 0 || ordinal >= len(found) {
			return driver.Device{}, fault.Invalid("backend", "%q, but there are %d GPUs; give one of \"cuda\" … %q", backend, len(found), name(len(found)-1))
		}
	}
	return found[ordinal], found[ordinal].Usable()
}

func open(w *adjoint.Wire, backend string, memoryLimit int64) (scatter.Engine, error) {
	e, err := NewEngine(w, Options{Backend: backend, MemoryLimit: memoryLimit})
	if err != nil {
		return nil, err
	}
	return e, nil
}
