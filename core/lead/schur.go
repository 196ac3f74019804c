package lead

import (
	"math"
	"math/cmplx"
)

const epsilon = 0x1p-52

// schur is the complex Schur form A = ZTZ† of an n × n matrix: T upper triangular, the eigenvalues on its diagonal. The
// vectors are kept as rows of zt, zt[j] = column j of Z, so that every rotation runs along rows.
type schur struct {
	stop  *stop
	n     int
	t, zt []complex128
}

// newSchur factors a, which becomes T: reduction to Hessenberg form by reflectors, then QR steps with Wilkinson's shift.
func newSchur(stop *stop, a []complex128, n int) (*schur, bool) {
	s := &schur{stop: stop, n: n, t: a, zt: make([]complex128, n*n)}
	for i := range n {
		s.zt[i*n+i] = 1
	}
	if native() {
		return s, nativeSchur(stop, s.t, s.zt, n)
	}
	s.hessenberg()
	return s, s.iterate()
}

func (s *schur) row(i int) []complex128 { return s.t[i*s.n : (i+1)*s.n] }

// hessenberg makes T zero below the first subdiagonal with reflectors 1 − γvv†, γ = 2/v†v.
func (s *schur) hessenberg() {
	n := s.n
	v, w := make([]complex128, n), make([]complex128, n)
	for k := 0; k < n-2 && !s.stop.now(); k++ {
		norm := 0.0
		for i := k + 2; i < n; i++ {
			norm = math.Hypot(norm, cmplx.Abs(s.t[i*n+k]))
		}
		if norm == 0 {
			continue
		}
		alpha := s.t[(k+1)*n+k]
		norm = math.Hypot(norm, cmplx.Abs(alpha))
		phase := complex128(1)
		if alpha != 0 {
			phase = alpha / complex(cmplx.Abs(alpha), 0)
		}
		beta := -phase * complex(norm, 0)
		square := 0.0
		for i := k + 1; i < n; i++ {
			v[i] = s.t[i*n+k]
			if i == k+1 {
				v[i] -= beta
			}
			square += real(v[i])*real(v[i]) + imag(v[i])*imag(v[i])
		}
		gamma := complex(2/square, 0)
		clear(w)
		for i := k + 1; i < n; i++ {
			axpy(cmplx.Conj(v[i]), s.row(i)[k:], w[k:])
		}
		for i := k + 1; i < n; i++ {
			axpy(-gamma*v[i], w[k:], s.row(i)[k:])
		}
		for r := range n {
			reflect(s.row(r)[k+1:], v[k+1:], gamma)
		}
		// Z ← Z(1 − γvv†): with the columns of Z in rows, zt ← (1 − γv̄vᵀ)zt.
		clear(w)
		for i := k + 1; i < n; i++ {
			axpy(v[i], s.zt[i*n:(i+1)*n], w)
		}
		for i := k + 1; i < n; i++ {
			axpy(-gamma*cmplx.Conj(v[i]), w, s.zt[i*n:(i+1)*n])
		}
		s.t[(k+1)*n+k] = beta
		for i := k + 2; i < n; i++ {
			s.t[i*n+k] = 0
		}
	}
}

// reflect replaces the row x by x(1 − γvv†).
func reflect(x, v []complex128, gamma complex128) {
	v = v[:len(x)]
	sum := complex128(0)
	for i, f := range v {
		sum += x[i] * f
	}
	sum *= gamma
	for i, f := range v {
		x[i] -= sum * complex(real(f), -imag(f))
	}
}

// iterate makes the Hessenberg matrix triangular.
func (s *schur) iterate() bool {
	n := s.n
	scale := 0.0
	for _, x := range s.t {
		scale = max(scale, sum1(x))
	}
	for high := n - 1; high > 0; {
		found := false
		for step := range 60 {
			low := high
			for ; low > 0; low-- {
				beside := sum1(s.t[low*n+low]) + sum1(s.t[(low-1)*n+low-1])
				if sum1(s.t[low*n+low-1]) <= epsilon*max(beside, epsilon*scale) {
					s.t[low*n+low-1] = 0
					break
				}
			}
			if low == high {
				found = true
				break
			}
			s.sweep(low, high, s.shift(high, step))
			if s.stop.now() {
				return false
			}
		}
		if !found {
			return false
		}
		high--
	}
	return true
}

// shift returns the eigenvalue of the last 2 × 2 block next to its last entry, now and then something else.
func (s *schur) shift(high, step int) complex128 {
	n := s.n
	a, b := s.t[(high-1)*n+high-1], s.t[(high-1)*n+high]
	c, d := s.t[high*n+high-1], s.t[high*n+high]
	if step%10 == 9 {
		return d + complex(sum1(c), 0)
	}
	half := (a - d) / 2
	root := cmplx.Sqrt(half*half + b*c)
	if real(half)*real(root)+imag(half)*imag(root) < 0 {
		root = -root
	}
	if half+root == 0 {
		return d
	}
	return d - b*c/(half+root)
}

// sweep is one QR step with the given shift on rows and columns low … high.
func (s *schur) sweep(low, high int, shift complex128) {
	n := s.n
	x, y := s.t[low*n+low]-shift, s.t[(low+1)*n+low]
	for k := low; k < high && !s.stop.now(); k++ {
		if k > low {
			x, y = s.t[k*n+k-1], s.t[(k+1)*n+k-1]
		}
		c, f, r := rotation(x, y)
		if k > low {
			s.t[k*n+k-1], s.t[(k+1)*n+k-1] = r, 0
		}
		rotate(s.row(k)[k:], s.row(k + 1)[k:], c, f)
		s.rotateColumns(min(k+2, high)+1, k, c, f)
		rotate(s.zt[k*n:(k+1)*n], s.zt[(k+1)*n:(k+2)*n], c, cmplx.Conj(f))
	}
}

// rotation returns c, f with [[c, f], [−f̄, c]](x, y) = (r, 0).
func rotation(x, y complex128) (c float64, f, r complex128) {
	if y == 0 {
		return 1, 0, x
	}
	ax := cmplx.Abs(x)
	if ax == 0 {
		ay := cmplx.Abs(y)
		return 0, cmplx.Conj(y) / complex(ay, 0), complex(ay, 0)
	}
	norm := math.Hypot(ax, cmplx.Abs(y))
	phase := x / complex(ax, 0)
	return ax / norm, phase * cmplx.Conj(y) / complex(norm, 0), phase * complex(norm, 0)
}

// rotate replaces the rows (x, y) by (cx + fy, cy − f̄x).
func rotate(x, y []complex128, c float64, f complex128) {
	y = y[:len(x)]
	fr, fi := real(f), imag(f)
	for i, a := range x {
		b := y[i]
		ar, ai, br, bi := real(a), imag(a), real(b), imag(b)
		x[i] = complex(c*ar+fr*br-fi*bi, c*ai+fr*bi+fi*br)
		y[i] = complex(c*br-fr*ar-fi*ai, c*bi-fr*ai+fi*ar)
	}
}

// rotateColumns applies the inverse rotation to columns k and k+1 of the first rows of T.
func (s *schur) rotateColumns(rows, k int, c float64, f complex128) {
	fr, fi := real(f), imag(f)
	for at := k; at < rows*s.n; at += s.n {
		a, b := s.t[at], s.t[at+1]
		ar, ai, br, bi := real(a), imag(a), real(b), imag(b)
		s.t[at] = complex(c*ar+fr*br+fi*bi, c*ai+fr*bi-fi*br)
		s.t[at+1] = complex(c*br-fr*ar+fi*ai, c*bi-fr*ai-fi*ar)
	}
}

// move takes the wanted eigenvalues to the front, keeping their order, by exchanges of neighbours.
func (s *schur) move(wanted []bool) {
	if native() {
		nativeMove(s.stop, s.t, s.zt, s.n, wanted)
		return
	}
	front := 0
	for i, w := range wanted {
		if !w {
			continue
		}
		for k := i - 1; k >= front && !s.stop.now(); k-- {
			s.exchange(k)
		}
		front++
	}
}

// first moves the wanted eigenvalues to the front and returns the orthonormal basis of their invariant subspace.
func (s *schur) first(wanted []bool) []wave {
	s.move(wanted)
	var basis []wave
	for _, w := range wanted {
		if w {
			j := len(basis)
			basis = append(basis, s.zt[j*s.n:(j+1)*s.n:(j+1)*s.n])
		}
	}
	return basis
}

func (s *schur) copy() *schur {
	return &schur{s.stop, s.n, append([]complex128(nil), s.t...), append([]complex128(nil), s.zt...)}
}

// exchange swaps the eigenvalues k and k+1.
func (s *schur) exchange(k int) {
	n := s.n
	a, b := s.t[k*n+k], s.t[(k+1)*n+k+1]
	c, f, _ := rotation(s.t[k*n+k+1], b-a)
	rotate(s.row(k)[k+2:], s.row(k + 1)[k+2:], c, f)
	s.rotateColumns(k, k, c, f)
	rotate(s.zt[k*n:(k+1)*n], s.zt[(k+1)*n:(k+2)*n], c, cmplx.Conj(f))
	s.t[k*n+k], s.t[(k+1)*n+k+1] = b, a // what stands beside them stays
}

// vector returns the eigenvector of eigenvalue j, false if there is none of its own: eigenvalues closer than apart are taken
// as equal, and if they are coupled the matrix is defective.
func (s *schur) vector(j int, apart float64) ([]complex128, bool) {
	n := s.n
	x := make([]complex128, j+1)
	x[j] = 1
	lambda := s.t[j*n+j]
	for i := j - 1; i >= 0; i-- {
		sum := complex128(0)
		for k := i + 1; k <= j; k++ {
			sum += s.t[i*n+k] * x[k]
		}
		switch distance := lambda - s.t[i*n+i]; {
		case cmplx.Abs(distance) > apart:
			x[i] = sum / distance
		case cmplx.Abs(sum) > 10*apart:
			return nil, false
		}
	}
	v := make([]complex128, n)
	for i, f := range x {
		axpy(f, s.zt[i*n:(i+1)*n], v)
	}
	return v, true
}
