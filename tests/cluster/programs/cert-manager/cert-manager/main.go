// cert-manager's controller, with what a certificate from an ACME server needs: its own command is no
// module of its own, so its controllers are started from here. Issuers other than ACME are left out.
package main

import (
	"context"
	"flag"
	"log"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/cert-manager/cert-manager/pkg/controller"
	_ "github.com/cert-manager/cert-manager/pkg/controller/acmechallenges"
	_ "github.com/cert-manager/cert-manager/pkg/controller/acmeorders"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificate-shim/gateways"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificate-shim/ingresses"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/acme"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/approver"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/issuing"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/keymanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/readiness"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/requestmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/revisionmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/trigger"
	_ "github.com/cert-manager/cert-manager/pkg/controller/clusterissuers"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/acme"
)

const workers = 2

func main() {
	var options controller.ContextOptions
	var nameservers string
	flag.StringVar(&options.Kubeconfig, "kubeconfig", "", "the cluster")
	flag.StringVar(&options.ClusterResourceNamespace, "cluster-resource-namespace", "cert-manager", "secrets of a ClusterIssuer")
	flag.StringVar(&options.HTTP01SolverImage, "acme-http01-solver-image", "", "answers HTTP-01")
	flag.StringVar(&nameservers, "nameservers", "", "asked whether a challenge can be seen, host:port, comma between")
	flag.Parse()
	servers := strings.FieldsFunc(nameservers, func(one rune) bool { return one == ',' })
	options.HTTP01SolverNameservers, options.DNS01Nameservers = servers, servers
	options.DNS01CheckRetryPeriod = time.Second
	options.ACMEHTTP01SolverRunAsNonRoot = true
	options.HTTP01SolverResourceRequestCPU = resource.MustParse("10m")
	options.HTTP01SolverResourceRequestMemory = resource.MustParse("64Mi")
	options.HTTP01SolverResourceLimitsCPU = resource.MustParse("100m")
	options.HTTP01SolverResourceLimitsMemory = resource.MustParse("64Mi")
	options.MaxConcurrentChallenges = 60
	options.EnableGatewayAPI = true
	options.CertificateRequestMinimumBackoffDuration = time.Second
	options.CertificateRequestMaximumBackoffDuration = time.Minute

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, options); err != nil {
		log.Fatal(err)
	}
}

// run starts every controller that was registered by its import, then what they watch.
func run(ctx context.Context, options controller.ContextOptions) error {
	factory, err := controller.NewContextFactory(ctx, options)
	if err != nil {
		return err
	}
	own, err := factory.Build()
	if err != nil {
		return err
	}
	var running sync.WaitGroup
	for name, construct := range controller.Known() {
		one, err := construct(factory)
		if err != nil {
			return err
		}
		running.Go(func() {
			if err := one.Run(workers, ctx); err != nil {
				log.Printf("%s: %v", name, err)
			}
		})
	}
	own.SharedInformerFactory.Start(ctx.Done())
	own.KubeSharedInformerFactory.Start(ctx.Done())
	own.HTTP01ResourceMetadataInformersFactory.Start(ctx.Done())
	own.GWShared.Start(ctx.Done())
	log.Print("controllers run")
	running.Wait()
	return nil
}
