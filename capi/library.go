//go:build cgo

package main

// #include "guard.h"
import "C"

import (
	"sync/atomic"

	"mcd/core/fault"
	"mcd/core/memory"
	"mcd/core/parallel"
	"mcd/cuda"
)

// defaultThreads is what new wires begin with, 0 for all processors.
var defaultThreads atomic.Int64

// memoryLimit is the bound given to package memory, kept for the getter.
var memoryLimit atomic.Int64

func checkThreads(threads C.int64_t) error {
	if threads < 0 || threads > 1<<20 {
		return fault.Invalid("threads", "%d; give a number of threads, or 0 for all processors", int64(threads))
	}
	return nil
}

func checkLimit(bytes C.int64_t) error {
	if bytes < 0 {
		return fault.Invalid("memory_limit", "%d bytes; give 0 for no limit", int64(bytes))
	}
	return nil
}

//export go_mcd_set_threads
func go_mcd_set_threads(threads C.int64_t) C.mcd_status {
	return enter(func() error {
		if err := checkThreads(threads); err != nil {
			return err
		}
		defaultThreads.Store(int64(threads))
		return nil
	})
}

//export go_mcd_get_threads
func go_mcd_get_threads(threads *C.int64_t) C.mcd_status {
	return enter(func() error { return store("threads", threads, C.int64_t(defaultThreads.Load())) })
}

//export go_mcd_set_memory_limit
func go_mcd_set_memory_limit(bytes C.int64_t) C.mcd_status {
	return enter(func() error {
		if err := checkLimit(bytes); err != nil {
			return err
		}
		memoryLimit.Store(int64(bytes))
		memory.SetLimit(int64(bytes))
		return nil
	})
}

//export go_mcd_get_memory_limit
func go_mcd_get_memory_limit(bytes *C.int64_t) C.mcd_status {
	return enter(func() error { return store("bytes", bytes, C.int64_t(memoryLimit.Load())) })
}

//export go_mcd_memory_used
func go_mcd_memory_used(bytes *C.int64_t) C.mcd_status {
	return enter(func() error { return store("bytes", bytes, C.int64_t(memory.Live())) })
}

// device is something that wires can be computed on.
type device struct {
	name, description string
	available         bool
}

// devices lists the processors and the GPUs, or why there are none.
func devices() []device {
	all := []device{{"cpu", cpuDescription(), true}}
	for _, d := range cuda.Devices() {
		all = append(all, device{d.Name, d.Text, d.Available})
	}
	return all
}

//export go_mcd_devices
func go_mcd_devices(count *C.size_t) C.mcd_status {
	return enter(func() error { return store("count", count, C.size_t(len(devices()))) })
}

func deviceAt(index C.size_t) (device, error) {
	all := devices()
	if index >= C.size_t(len(all)) {
		return device{}, fault.Invalid("index", "%d, but there are %d devices; count from 0", uint64(index), len(all))
	}
	return all[index], nil
}

//export go_mcd_device_name
func go_mcd_device_name(index C.size_t, out *C.char, count C.size_t, needed *C.size_t) C.mcd_status {
	return enter(func() error {
		d, err := deviceAt(index)
		if err != nil {
			return err
		}
		return deliverText(d.name, out, count, needed)
	})
}

//export go_mcd_device_description
func go_mcd_device_description(index C.size_t, out *C.char, count C.size_t, needed *C.size_t) C.mcd_status {
	return enter(func() error {
		d, err := deviceAt(index)
		if err != nil {
			return err
		}
		return deliverText(d.description, out, count, needed)
	})
}

//export go_mcd_device_available
func go_mcd_device_available(index C.size_t, available *C.int32_t) C.mcd_status {
	return enter(func() error {
		d, err := deviceAt(index)
		if err != nil {
			return err
		}
		return store("available", available, boolean(d.available))
	})
}

func boolean(b bool) C.int32_t {
	if b {
		return 1
	}
	return 0
}

// threadsOf resolves a request for threads to their number.
func threadsOf(requested int64) int { return parallel.Threads(int(requested)) }
