//go:build programs

// Package programs names what is built here, so that go.mod and go.sum pin it.
package programs

import (
	_ "github.com/zegl/kube-score/cmd/kube-score"
)
