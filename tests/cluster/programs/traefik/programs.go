//go:build programs

// Package programs names what is built here, so that go.mod and go.sum pin it.
package programs

import (
	_ "github.com/traefik/traefik/v3/cmd/traefik"
)
