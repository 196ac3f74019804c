// Package scatter is the CPU engine: scattering states, S-matrices, conductance, local density of states and currents of a
// batch of scattering problems that share a geometry.
package scatter

import "context"

// Engine is the seam between what is solved and how: the CPU and CUDA engines of strips and of general devices implement
// it and pass one test suite. An engine is safe for use by one goroutine at a time.
//
// Inputs are the on-site energies (one per site of a strip, [x][y]; one per orbital of a device), outputs the transmissions
// (one per point of a strip's sweep; [curve][point] of a device with several curves). Slices are the caller's and used only
// during the call; on an error their contents are undefined. Results are bit-identical from run to run whatever the number
// of threads. A cancelled ctx gives an error of kind fault.Cancelled within 100 ms.
type Engine interface {
	// Inputs is the length of onsite, Outputs the length of g.
	Inputs() int
	Outputs() int
	// Ceiling is the largest possible value of every output (the number of open modes), (Outputs).
	Ceiling() []int
	// Value computes g (Outputs).
	Value(ctx context.Context, onsite, g []float64) error
	// Gradient computes g and grad[i] = Σ_k weights[k]·∂g[k]/∂onsite[i]; weights nil means all ones.
	Gradient(ctx context.Context, onsite, weights, g, grad []float64) error
	// Jacobian computes g and jac[k][i] = ∂g[k]/∂onsite[i] (Outputs × Inputs).
	Jacobian(ctx context.Context, onsite, g, jac []float64) error
	// SetThreads sets the number of threads, 0 for all processors of the process.
	SetThreads(n int)
	// Name tells which engine, which kernels and which device compute, for results and logs.
	Name() string
	// Close frees the engine's memory; it is idempotent.
	Close()
}

// Batcher is implemented by engines that compute several potentials in little more than the time of one.
type Batcher interface {
	// Batch is how many potentials are worth computing at once, 1 if it makes no difference.
	Batch(ctx context.Context) int
	// Jacobians computes g[d] and jac[d] of every onsite[d], to the bit what Jacobian computes of one.
	Jacobians(ctx context.Context, onsite, g, jac [][]float64) error
}
