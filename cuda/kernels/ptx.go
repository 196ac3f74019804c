package kernels

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"sync"
)

//go:embed kernels.ptx.gz
var compressed []byte

// PTX returns the text of all kernels, for cuModuleLoadData.
var PTX = sync.OnceValues(func() (string, error) {
	r, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r)
	return string(text), err
})
