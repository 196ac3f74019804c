// Package cuda is the engine on NVIDIA GPUs, behind the same seam as that on the CPU.
//
// With the build tag cuda (see capi/build.sh) it is there on every machine and finds out at run time whether there is a driver
// and a GPU; without, every request for it is an error that says so.
package cuda

// Description tells about a GPU that was found, or why none was.
type Description struct {
	// Name is what a wire's backend is set to: "cuda" for the first, "cuda:1" for the second.
	Name string
	// Text describes the device or says what is wrong and what to do about it.
	Text      string
	Available bool
}
