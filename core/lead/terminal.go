package lead

// Terminal is a lead as a device sees it at one energy: what enters the device's equations, whatever way it was computed.
//
// With Γ = i(Σ − Σ†) = QQ†, the state that mode n sends into the device is ψ_n = G·Q_n. Matrices are row-major on the lead's
// m interface orbitals, in the order of the interface.
type Terminal struct {
	Modes int          // N, open modes
	Sigma []complex128 // Σ (m × m), retarded
	In    []complex128 // Q (m × N)
	// Out and Direct give the amplitudes in the outgoing modes, a = Out·ψ + Direct (N × m and N × N; Direct only where the
	// wave comes in from the same lead). Nil stands for Fisher–Lee, Out = iQ† and Direct = −1, which differs from any other
	// choice by a unitary mixing of the outgoing modes and has the same transmissions.
	Out, Direct []complex128
}

// Terminal returns what a device needs of a solved lead; the slices are shared.
func (m *Modes) Terminal() Terminal {
	return Terminal{Modes: m.Open, Sigma: m.SelfEnergy, In: m.Injection, Out: m.Extraction, Direct: m.Direct}
}
