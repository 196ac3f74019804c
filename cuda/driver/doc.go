// Package driver is the CUDA driver as mcd uses it: raw functions of gorgonia.org/cu, and of our own where that has none, over
// lazy trampolines (entry.S, load.c). The driver's library is loaded at the first call of Devices or Open, not before, so that
// one build serves machines with and without a GPU. Everything else runs inside Context.Do.
//
// The package is built with the tag cuda and include/cuda.h on the include path (see capi/build.sh); no CUDA toolkit is needed.
package driver
