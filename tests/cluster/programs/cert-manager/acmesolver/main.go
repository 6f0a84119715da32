// What cert-manager puts before the authority's question of HTTP-01: one answer on one path.
package main

import (
	"flag"
	"log"

	"github.com/go-logr/logr"

	"github.com/cert-manager/cert-manager/pkg/issuer/acme/http/solver"
)

func main() {
	var one solver.HTTP01Solver
	flag.IntVar(&one.ListenPort, "listen-port", 8089, "where it listens")
	flag.StringVar(&one.Domain, "domain", "", "the name that is proved")
	flag.StringVar(&one.Token, "token", "", "which question")
	flag.StringVar(&one.Key, "key", "", "the answer")
	flag.Parse()
	log.Fatal(one.Listen(logr.Discard()))
}
