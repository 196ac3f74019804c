//go:build cuda && cgo

package driver

// #include <cuda.h>
import "C"

import (
	"time"
	"unsafe"

	"gorgonia.org/cu"
)

// Stream is a queue of copies and launches, which are done one after the other.
type Stream struct{ handle cu.Stream }

// NewStream makes a stream that does not wait for others.
func NewStream() (Stream, error) {
	s, err := cu.MakeStream(cu.NonBlocking)
	return Stream{s}, failed("making a stream", err)
}

// Close destroys the stream; it is idempotent.
func (s *Stream) Close() {
	if s.handle != cu.NoStream {
		_ = s.handle.Destroy()
		s.handle = cu.NoStream
	}
}

func (s Stream) c() C.CUstream { return C.CUstream(unsafe.Pointer(s.handle.C())) }

// Upload queues a copy of bytes from pinned memory to the device.
func (s Stream) Upload(to Pointer, from unsafe.Pointer, bytes int64) error {
	return failed("copying to the GPU", cu.MemcpyHtoDAsync(to, from, bytes, s.handle))
}

// Download queues a copy of bytes from the device to pinned memory.
func (s Stream) Download(to unsafe.Pointer, from Pointer, bytes int64) error {
	return failed("copying from the GPU", cu.MemcpyDtoHAsync(to, from, bytes, s.handle))
}

// Zero queues the clearing of bytes.
func (s Stream) Zero(at Pointer, bytes int64) error {
	return failed("clearing memory", cu.MemsetD8Async(at, 0, bytes, s.handle))
}

// spin is how long Wait asks again and again before it sleeps in between: most evaluations end within it.
const spin = time.Millisecond

// Wait returns when the stream is empty. It does not give way while it spins: the thread is locked, so that giving way costs two
// changes of threads, 14 µs, a sixth of a gradient.
func (s Stream) Wait() error {
	began := time.Now()
	for {
		err := s.handle.Query()
		switch {
		case err == nil:
			return nil
		case code(err) != C.CUDA_ERROR_NOT_READY:
			return failed("computing", err)
		case time.Since(began) > spin:
			time.Sleep(spin / 10)
		}
	}
}

// Event marks a place in a stream.
type Event struct{ handle cu.Event }

// NewEvent makes an event that notes the time.
func NewEvent() (Event, error) {
	e, err := cu.MakeEvent(cu.DefaultEvent)
	return Event{e}, failed("making an event", err)
}

// Record queues the event.
func (e Event) Record(s Stream) error { return failed("recording an event", e.handle.Record(s.handle)) }

// Since returns the seconds between two events that have passed.
func (e Event) Since(begin Event) (float64, error) {
	ms, err := begin.handle.Elapsed(e.handle)
	return ms / 1e3, failed("reading a time", err)
}

// Close destroys the event.
func (e *Event) Close() { _ = cu.DestroyEvent(&e.handle) }

// Graph is a sequence of launches recorded once and replayed with a single call.
type Graph struct{ executable C.CUgraphExec }

// Record returns what body queues on the stream as a graph; nothing of it runs now.
func (s Stream) Record(body func() error) (*Graph, error) {
	if err := check("recording launches", C.cuStreamBeginCapture(s.c(), C.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)); err != nil {
		return nil, err
	}
	err := body()
	var graph C.CUgraph
	if ended := check("recording launches", C.cuStreamEndCapture(s.c(), &graph)); err == nil {
		err = ended
	}
	if graph != nil {
		defer C.cuGraphDestroy(graph)
	}
	if err != nil {
		return nil, err
	}
	g := &Graph{}
	return g, check("making a graph of launches", C.cuGraphInstantiateWithFlags(&g.executable, graph, 0))
}

// Replay queues the graph.
func (s Stream) Replay(g *Graph) error {
	return check("replaying launches", C.cuGraphLaunch(g.executable, s.c()))
}

// Close destroys the graph; it is idempotent.
func (g *Graph) Close() {
	if g != nil && g.executable != nil {
		C.cuGraphExecDestroy(g.executable)
		g.executable = nil
	}
}
