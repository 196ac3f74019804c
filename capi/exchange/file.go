package exchange

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"mcd/core/fault"
	"mcd/core/memory"
)

// A .mcd file is a header of 56 bytes and one zstd frame (with checksum) that holds the FlatBuffer:
//
//	offset  0  "\x89MCD\r\n\x1a\n", which damage by text modes changes
//	        8  version, 32 bits; then 0, 32 bits
//	       16  length of the frame in bytes, 64 bits
//	       24  SHA-256 of the frame
//
// in little-endian order. Length and digest stand outside the frame, since an empty frame would decode without an error.
const (
	magic      = "\x89MCD\r\n\x1a\n"
	version    = 1
	headerSize = 56
)

// maxContent bounds the FlatBuffer in a file: the format's own limit is 2 GiB.
const maxContent = 1 << 31

// Save writes the document to a file so that at any moment, even if the process or the machine dies, the path holds the
// complete old file or the complete new one: written aside, synced, renamed, and the folder synced.
func (d *Document) Save(path string) (err error) {
	content := d.Encode()
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(true), zstd.WithZeroFrames(true))
	if err != nil {
		return fault.New(fault.Internal, "zstd: %v", err)
	}
	frame := encoder.EncodeAll(content, nil)
	header := make([]byte, headerSize, headerSize+len(frame))
	copy(header, magic)
	binary.LittleEndian.PutUint32(header[8:], version)
	binary.LittleEndian.PutUint64(header[16:], uint64(len(frame)))
	digest := sha256.Sum256(frame)
	copy(header[24:], digest[:])
	if err := replace(path, append(header, frame...)); err != nil {
		return unwritable(path, err)
	}
	return nil
}

func unwritable(path string, err error) error {
	return fault.New(fault.File, "path: %q cannot be written: %v; what was there before is unchanged. Check folder, rights and free space", path, cause(err))
}

// cause strips the names of temporary files.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// replace writes a file atomically.
func replace(path string, content []byte) (err error) {
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(content); err != nil {
		return err
	}
	if err = f.Chmod(permissions(path)); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// permissions returns those of the file that is there, else read for all and write for the owner.
func permissions(path string) fs.FileMode {
	if info, err := os.Stat(path); err == nil {
		return info.Mode().Perm()
	}
	return 0o644
}

// Load reads a file written by Save.
func Load(path string) (*Document, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, fault.New(fault.File, "path: %q is not a file; give the path of a .mcd file", path)
	}
	if err == nil && info.Size() > maxContent {
		return nil, fault.New(fault.File, "path: %q has %d bytes, more than a .mcd file can have; give the path of a .mcd file", path, info.Size())
	}
	var content []byte
	if err == nil {
		content, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fault.New(fault.File, "path: %q cannot be read: %v; check the path", path, cause(err))
	}
	d, err := open(content)
	if err != nil && fault.KindOf(err) == fault.File {
		return nil, fault.New(fault.File, "path: %q: %v", path, err)
	}
	return d, err
}

// open decodes the content of a file.
func open(content []byte) (*Document, error) {
	if len(content) < headerSize || string(content[:8]) != magic {
		return nil, fault.New(fault.File, "not a .mcd file, or cut off; give a file written by mcd")
	}
	if v := binary.LittleEndian.Uint32(content[8:]); v != version || binary.LittleEndian.Uint32(content[12:]) != 0 {
		return nil, fault.New(fault.File, "a .mcd file of version %d, this library reads version %d; update mcd", v, version)
	}
	frame := content[headerSize:]
	if length := binary.LittleEndian.Uint64(content[16:]); length != uint64(len(frame)) {
		return nil, damaged("%d bytes where %d were written; restore the file from a copy", len(frame), length)
	}
	if digest := sha256.Sum256(frame); string(digest[:]) != string(content[24:headerSize]) {
		return nil, damaged("the checksum does not match; restore the file from a copy")
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxContent))
	if err != nil {
		return nil, fault.New(fault.Internal, "zstd: %v", err)
	}
	defer decoder.Close()
	var h zstd.Header
	if err := h.Decode(frame); err != nil || !h.HasFCS || h.FrameContentSize > maxContent {
		return nil, damaged("the frame does not state its size")
	}
	if err := memory.Fits(int(h.FrameContentSize / 8)); err != nil {
		return nil, err
	}
	buffer, err := decoder.DecodeAll(frame, nil)
	if err != nil {
		return nil, damaged("%v", err)
	}
	return Decode(buffer)
}
