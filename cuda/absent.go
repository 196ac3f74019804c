//go:build !(cuda && cgo)

package cuda

import (
	"mcd/adjoint"
	"mcd/core/fault"
	"mcd/core/scatter"
)

var absent = fault.New(fault.Unsupported, "cuda: this library was built without it; build it with the tag cuda, or use backend \"cpu\"")

// Devices lists the GPUs, or one entry that says why there are none.
func Devices() []Description { return []Description{{Name: "cuda", Text: absent.Error()}} }

// Check returns an error unless the device of a backend's name can be used.
func Check(string) error { return absent }

func open(*adjoint.Wire, string, int64) (scatter.Engine, error) { return nil, absent }
