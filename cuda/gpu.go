//go:build cuda && cgo

package cuda

import (
	"sync"

	"mcd/cuda/driver"
	"mcd/cuda/kernels"
)

// gpu is a device with the kernels compiled for it, shared by all engines on it: compiling takes longer than a search.
type gpu struct {
	*driver.Context
	module *driver.Module
	users  int
}

var (
	opened   = map[int]*gpu{} // by ordinal
	openedMu sync.Mutex
)

// openGPU returns the device of a backend's name with the caller as one more user, who closes it.
func openGPU(backend string) (*gpu, error) {
	d, err := device(backend)
	if err != nil {
		return nil, err
	}
	openedMu.Lock()
	defer openedMu.Unlock()
	if g := opened[d.Ordinal]; g != nil {
		g.users++
		return g, nil
	}
	ptx, err := kernels.PTX()
	if err != nil {
		return nil, err
	}
	context, err := driver.Open(d)
	if err != nil {
		return nil, err
	}
	g := &gpu{Context: context, users: 1}
	err = g.Do(func() (err error) {
		g.module, err = g.Load(ptx)
		return err
	})
	if err != nil {
		g.Discard(g.module.Close)
		_ = context.Close()
		return nil, err
	}
	opened[d.Ordinal] = g
	return g, nil
}

// close takes a user away; the last one frees the kernels and the context.
func (g *gpu) close() {
	openedMu.Lock()
	defer openedMu.Unlock()
	if g.users--; g.users > 0 {
		return
	}
	delete(opened, g.Ordinal)
	g.Discard(g.module.Close)
	_ = g.Context.Close()
}

// kernel finds an entry of the kernels.
func (g *gpu) kernel(name string, shared int) (*driver.Kernel, error) {
	return g.module.Kernel(name, threads, shared)
}
