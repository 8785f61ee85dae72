// Renders a Helm chart as `helm install` and `helm upgrade` would, with the template engine and the function library that Helm
// is made with: Go's text/template and sprig. The functions that Helm adds are defined here as its documentation describes them.
// Reads a request as JSON from standard input, and writes what each template becomes as JSON to standard output.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

type object = map[string]interface{}

type request struct {
	// The chart's folder.
	Chart string `json:"chart"`
	// What is merged over the chart's values.yaml, as with --values.
	Values object `json:"values"`
	// The name and the namespace of the release.
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	Upgrade   bool   `json:"upgrade"`
	// What `lookup` finds in the cluster.
	Cluster []object `json:"cluster"`
}

type answer struct {
	// What the templates became, by their paths in the chart's folder of templates.
	Files map[string]string `json:"files"`
}

func main() {
	var wanted request
	if err := json.NewDecoder(os.Stdin).Decode(&wanted); err != nil {
		stop(err)
	}
	rendered, err := render(wanted)
	if err != nil {
		stop(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(rendered); err != nil {
		stop(err)
	}
}

func stop(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func render(wanted request) (*answer, error) {
	metadata, err := readMetadata(wanted.Chart)
	if err != nil {
		return nil, err
	}
	defaults, err := readYaml(filepath.Join(wanted.Chart, "values.yaml"))
	if err != nil {
		return nil, err
	}
	values := coalesce(defaults, wanted.Values)
	files, err := readFiles(wanted.Chart)
	if err != nil {
		return nil, err
	}
	root := template.New("chart").Option("missingkey=zero")
	root.Funcs(functions(root, wanted.Cluster))
	name := metadata["Name"].(string)
	var names []string
	for file, text := range files {
		if !strings.HasPrefix(file, "templates/") {
			continue
		}
		full := path.Join(name, file)
		if _, err := root.New(full).Parse(text); err != nil {
			return nil, err
		}
		names = append(names, full)
	}
	sort.Strings(names)
	rendered := map[string]string{}
	for _, full := range names {
		if strings.HasPrefix(path.Base(full), "_") {
			continue
		}
		data := object{
			"Values":       values,
			"Chart":        metadata,
			"Files":        chartFiles(files),
			"Capabilities": capabilities(),
			"Template":     object{"Name": full, "BasePath": path.Join(name, "templates")},
			"Release": object{
				"Name": wanted.Name, "Namespace": wanted.Namespace, "Service": "Helm",
				"IsUpgrade": wanted.Upgrade, "IsInstall": !wanted.Upgrade, "Revision": 1,
			},
		}
		text, err := execute(root, full, data)
		if err != nil {
			return nil, err
		}
		rendered[strings.TrimPrefix(full, name+"/templates/")] = text
	}
	return &answer{Files: rendered}, nil
}

func execute(root *template.Template, name string, data interface{}) (string, error) {
	var text strings.Builder
	err := root.ExecuteTemplate(&text, name, data)
	return strings.ReplaceAll(text.String(), "<no value>", ""), err
}

// Helm's functions beside sprig's. It takes those away that would show a template the machine.
func functions(root *template.Template, cluster []object) template.FuncMap {
	all := sprig.TxtFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName"} {
		delete(all, name)
	}
	all["include"] = func(name string, data interface{}) (string, error) {
		var text strings.Builder
		err := root.ExecuteTemplate(&text, name, data)
		return text.String(), err
	}
	all["tpl"] = func(text string, data interface{}) (string, error) {
		copied, err := root.Clone()
		if err != nil {
			return "", err
		}
		if _, err := copied.New("tpl").Parse(text); err != nil {
			return "", err
		}
		return execute(copied, "tpl", data)
	}
	all["required"] = func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return nil, errors.New(message)
		}
		return value, nil
	}
	all["toYaml"] = func(value interface{}) string {
		text, err := yaml.Marshal(value)
		if err != nil {
			return ""
		}
		return strings.TrimSuffix(string(text), "\n")
	}
	all["fromYaml"] = func(text string) object {
		value := object{}
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			value["Error"] = err.Error()
		}
		return value
	}
	all["lookup"] = func(version, kind, namespace, name string) object {
		for _, each := range cluster {
			metadata, _ := each["metadata"].(object)
			if each["apiVersion"] == version && each["kind"] == kind && metadata["namespace"] == namespace && metadata["name"] == name {
				return each
			}
		}
		return object{}
	}
	return all
}

// Values over the chart's own: maps are merged, null removes a key, and anything else takes its place.
func coalesce(defaults, values object) object {
	merged := object{}
	for key, value := range defaults {
		merged[key] = value
	}
	for key, value := range values {
		under, isMap := merged[key].(object)
		over, alsoMap := value.(object)
		switch {
		case value == nil:
			delete(merged, key)
		case isMap && alsoMap:
			merged[key] = coalesce(under, over)
		default:
			merged[key] = value
		}
	}
	return merged
}

// The fields of Chart.yaml as Helm names them: those of its Go type.
func readMetadata(folder string) (object, error) {
	fields, err := readYaml(filepath.Join(folder, "Chart.yaml"))
	if err != nil {
		return nil, err
	}
	metadata := object{}
	for key, value := range fields {
		metadata[strings.ToUpper(key[:1])+key[1:]] = value
	}
	return metadata, nil
}

func readYaml(file string) (object, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	value := object{}
	return value, yaml.Unmarshal(text, &value)
}

// Every file of the chart by its path. Links are followed, as Helm does.
func readFiles(folder string) (map[string]string, error) {
	files := map[string]string{}
	err := filepath.WalkDir(folder, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, file)
		files[filepath.ToSlash(name)] = string(text)
		return err
	})
	return files, err
}

type chartFiles map[string]string

// Get is Helm's `.Files.Get`.
func (files chartFiles) Get(name string) string { return files[name] }

type apiVersions map[string]bool

// Has is Helm's `.Capabilities.APIVersions.Has`.
func (versions apiVersions) Has(name string) bool { return versions[name] }

func capabilities() object {
	return object{
		"KubeVersion": object{"Version": "v1.30.0", "Major": "1", "Minor": "30"},
		"APIVersions": apiVersions{},
	}
}
