{{/* Labels of an object: (dict "root" $ "name" NAME "component" COMPONENT) */}}
{{- define "barberpro.labels" -}}
{{ include "barberpro.selector" . }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/part-of: barberpro
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
barberpro.com.ar/deployment: {{ .root.Values.deployment.id }}
barberpro.com.ar/vertical: {{ .root.Values.deployment.vertical }}
{{- with .root.Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "barberpro.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "barberpro.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{- define "barberpro.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "barberpro.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Environment of the app, docs/reference/app-contract.md */}}
{{- define "barberpro.environment" -}}
- {name: BARBERPRO_APP_CONFIG, value: /etc/barberpro/config/app.json}
- {name: BARBERPRO_SECRETS_DIR, value: /etc/barberpro/secrets}
- {name: BARBERPRO_REVISION, value: {{ .Values.deployment.revision | toString | quote }}}
- {name: BARBERPRO_LOG_LEVEL, value: {{ .Values.logLevel }}}
{{- if .Values.media.enabled }}
- {name: BARBERPRO_MEDIA_DIR, value: /var/lib/barberpro/media}
{{- end }}
- {name: MALLOC_ARENA_MAX, value: "2"}
- {name: MALLOC_TRIM_THRESHOLD_, value: "131072"}
- {name: MALLOC_MMAP_THRESHOLD_, value: "131072"}
- {name: PYTHONUNBUFFERED, value: "1"}
- {name: TZ, value: UTC}
{{- end }}

{{- define "barberpro.keysSecret" -}}
{{ .Values.secrets.keys | default "app-keys" }}
{{- end }}

{{- define "barberpro.appDatabaseSecret" -}}
{{- if and (eq .Values.database.mode "external") .Values.database.external.appSecret -}}
{{ .Values.database.external.appSecret }}
{{- else -}}
database-app
{{- end }}
{{- end }}

{{- define "barberpro.ownerDatabaseSecret" -}}
{{- if and (eq .Values.database.mode "external") .Values.database.external.ownerSecret -}}
{{ .Values.database.external.ownerSecret }}
{{- else -}}
database-owner
{{- end }}
{{- end }}

{{/* One folder with a file per secret: (dict "root" $ "owner" BOOL "integrations" BOOL) */}}
{{- define "barberpro.secretsVolume" -}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      - secret: {name: {{ include "barberpro.keysSecret" .root }}}
      - secret:
          name: {{ include "barberpro.appDatabaseSecret" .root }}
          items: [{key: database-url, path: database-url}]
      - secret:
          name: {{ include "barberpro.appDatabaseSecret" .root }}
          optional: true
          items:
            - {key: database-direct-url, path: database-direct-url}
            - {key: database-replica-url, path: database-replica-url}
      {{- if .owner }}
      - secret:
          name: {{ include "barberpro.ownerDatabaseSecret" .root }}
          items: [{key: database-owner-url, path: database-owner-url}]
      {{- end }}
      {{- if .integrations }}
      - secret: {name: integration-secrets, optional: true}
      {{- end }}
      {{- if eq .root.Values.database.mode "bundled" }}
      - secret:
          name: database-tls
          items: [{key: ca.crt, path: database-ca.crt}]
      {{- else if eq .root.Values.database.mode "cnpg" }}
      - secret:
          name: database-ca
          items: [{key: ca.crt, path: database-ca.crt}]
      {{- else }}
      - secret:
          name: {{ include "barberpro.appDatabaseSecret" .root }}
          optional: true
          items: [{key: database-ca.crt, path: database-ca.crt}]
      {{- end }}
{{- end }}

{{- define "barberpro.mounts" -}}
- {name: config, mountPath: /etc/barberpro/config, readOnly: true}
- {name: secrets, mountPath: /etc/barberpro/secrets, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- end }}

{{- define "barberpro.tmpVolume" -}}
- name: tmp
  emptyDir: {sizeLimit: {{ .Values.resources.ephemeralStorageMib }}Mi}
{{- end }}

{{/* Restarts the pods where what they read at their start has changed. */}}
{{- define "barberpro.checksums" -}}
barberpro.com.ar/config: {{ toJson .Values.application | sha256sum | trunc 16 }}
barberpro.com.ar/revision: {{ .Values.deployment.revision | toString | quote }}
{{- end }}

{{- define "barberpro.meshAnnotations" -}}
{{- if eq .Values.mesh.kind "linkerd" }}
linkerd.io/inject: enabled
config.linkerd.io/default-inbound-policy: all-unauthenticated
config.linkerd.io/proxy-await: enabled
{{- else if eq .Values.mesh.kind "istio" }}
proxy.istio.io/config: '{"holdApplicationUntilProxyStarts": true}'
{{- end }}
{{- end }}

{{/* Where the owner goes, and whoever needs a session of its own */}}
{{- define "barberpro.databaseHost" -}}
{{- if eq .Values.database.mode "cnpg" -}}database-rw{{- else -}}database{{- end }}
{{- end }}

{{- define "barberpro.poolerName" -}}database-pooler{{- end }}

{{- define "barberpro.pooled" -}}
{{- if and (eq .Values.database.mode "cnpg") .Values.database.cnpg.pooler.enabled -}}yes{{- end }}
{{- end }}

{{/* A value of an existing Secret, in base64, or a new one: (dict "root" $ "secret" NAME "key" KEY "new" VALUE) */}}
{{- define "barberpro.kept" -}}
{{- $found := lookup "v1" "Secret" .root.Release.Namespace .secret -}}
{{- if and $found $found.data (hasKey $found.data .key) -}}
{{ index $found.data .key }}
{{- else -}}
{{ .new | b64enc }}
{{- end }}
{{- end }}

{{/* The same, as plain text */}}
{{- define "barberpro.keptText" -}}
{{ include "barberpro.kept" . | b64dec }}
{{- end }}
