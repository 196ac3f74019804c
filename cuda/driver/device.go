//go:build cuda && cgo

package driver

// #include <cuda.h>
import "C"

import (
	"fmt"
	"runtime"

	"gorgonia.org/cu"

	"mcd/core/fault"
)

// oldestCapability is the compute capability, ten times, that the kernels are compiled for: Volta.
const oldestCapability = 70

// Device is a GPU as the driver describes it.
type Device struct {
	Ordinal         int
	Name            string
	Memory          int64 // bytes
	Capability      int   // compute capability, ten times: 90 for 9.0
	Multiprocessors int
	SharedMemory    int // bytes that one block may have, after opting in
	Driver          int // the CUDA version that the driver serves, 1000·major + 10·minor
}

// String describes the device in one line.
func (d *Device) String() string {
	return fmt.Sprintf("%s, compute capability %d.%d, %d multiprocessors, %d MiB, driver for CUDA %d.%d", d.Name, d.Capability/10,
		d.Capability%10, d.Multiprocessors, d.Memory>>20, d.Driver/1000, d.Driver%1000/10)
}

// Usable returns an error if the kernels do not run on the device.
func (d *Device) Usable() error {
	if d.Capability < oldestCapability {
		return fault.New(fault.Unsupported, "cuda: %s has compute capability %d.%d, the kernels need %d.%d; use backend \"cpu\"", d.Name,
			d.Capability/10, d.Capability%10, oldestCapability/10, oldestCapability%10)
	}
	return nil
}

// Devices lists the GPUs. The error is of kind Unsupported and says why there are none: no driver, a broken or old one, no GPU.
func Devices() ([]Device, error) {
	if err := start(); err != nil {
		return nil, err
	}
	count, err := cu.NumDevices()
	if err != nil {
		return nil, failed("counting the GPUs", err)
	}
	if count == 0 {
		return nil, failure("counting the GPUs", C.CUDA_ERROR_NO_DEVICE)
	}
	devices := make([]Device, count)
	for i := range devices {
		if devices[i], err = describe(i); err != nil {
			return nil, failed(fmt.Sprintf("asking GPU %d what it is", i), err)
		}
	}
	return devices, nil
}

func describe(ordinal int) (d Device, err error) {
	dev, err := cu.GetDevice(ordinal)
	if err != nil {
		return d, err
	}
	d.Ordinal, d.Driver = ordinal, cu.Version()
	if d.Name, err = dev.Name(); err != nil {
		return d, err
	}
	if d.Memory, err = dev.TotalMem(); err != nil {
		return d, err
	}
	var major, minor int
	for _, a := range []struct {
		attribute cu.DeviceAttribute
		into      *int
	}{{cu.ComputeCapabilityMajor, &major}, {cu.ComputeCapabilityMinor, &minor}, {cu.MultiprocessorCount, &d.Multiprocessors},
		{C.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, &d.SharedMemory}} {
		if *a.into, err = dev.Attribute(a.attribute); err != nil {
			return d, err
		}
	}
	d.Capability = 10*major + minor
	return d, nil
}

// Context is the primary context of a device, which other users of the GPU in this process (JAX, PyTorch) share. It holds one
// reference. Its methods other than Close are called inside Do.
type Context struct {
	Device
	handle cu.CUContext
	closed bool
}

// Open retains the primary context of a device.
func Open(d Device) (*Context, error) {
	if err := d.Usable(); err != nil {
		return nil, err
	}
	dev, err := cu.GetDevice(d.Ordinal)
	if err != nil {
		return nil, failed("opening the GPU", err)
	}
	handle, err := dev.RetainPrimaryCtx()
	if err != nil {
		return nil, failed("opening the GPU's context", err)
	}
	return &Context{Device: d, handle: handle}, nil
}

// Close gives the reference back; it is idempotent.
func (c *Context) Close() error {
	if c == nil || c.closed {
		return nil
	}
	c.closed = true
	return failed("closing the GPU's context", cu.Device(c.Ordinal).ReleasePrimaryCtx())
}

// Do runs body on one thread with the context current, and puts back what was current before, whatever happens.
func (c *Context) Do(body func() error) (err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cu.PushCurrentCtx(c.handle); err != nil {
		return failed("entering the GPU's context", err)
	}
	defer func() {
		if _, popped := cu.PopCurrentCtx(); err == nil {
			err = failed("leaving the GPU's context", popped)
		}
	}()
	return body()
}

// Discard is Do for what gives memory back: body runs even if the context cannot be entered, as with a lost device.
func (c *Context) Discard(body func()) {
	entered := false
	_ = c.Do(func() error { entered = true; body(); return nil })
	if !entered {
		body()
	}
}
