// Package fault holds the one error type of mcd: what went wrong, with which argument and value, and what to do about it.
//
// Every exported function of mcd that can fail returns a *fault.Error (possibly wrapped), so that the C boundary can
// turn it into a status and a message without guessing.
package fault

import (
	"errors"
	"fmt"
)

// Kind classifies an error; the C boundary maps each kind to one status.
type Kind int

const (
	// Internal is a defect of mcd itself, for example a recovered panic.
	Internal Kind = iota
	// Argument is a wrong argument: name, value and remedy are in the message.
	Argument
	// Memory means that the memory needed exceeds the limit or could not be allocated; nothing was changed.
	Memory
	// Cancelled means that the caller stopped the work.
	Cancelled
	// File is an unreadable, damaged or unwritable file.
	File
	// Numerical means that the arithmetic could not reach the promised accuracy.
	Numerical
	// Unsupported names something that this build or machine does not have.
	Unsupported
)

// Error is an error with the argument it concerns and the remedy.
type Error struct {
	Kind     Kind
	Argument string // name of the offending argument, "" if none
	Message  string // one or two sentences: what is wrong (with the value), then what to do
}

// Error returns "argument: message", or the message alone where no argument is to blame.
func (e *Error) Error() string {
	if e.Argument == "" {
		return e.Message
	}
	return e.Argument + ": " + e.Message
}

// Invalid reports a wrong argument. The format says what is wrong, with the value, and the remedy.
func Invalid(argument, format string, values ...any) *Error {
	return &Error{Kind: Argument, Argument: argument, Message: fmt.Sprintf(format, values...)}
}

// New reports an error of the given kind that no argument is to blame for.
func New(kind Kind, format string, values ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, values...)}
}

// KindOf returns the kind of err: Internal for errors that are not from this package.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}
