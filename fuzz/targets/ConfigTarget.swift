import ContainerRuntime
import JSON
import LinuxSystem
import OCISpec
import Seccomp

/// Feeds bytes to the readers of config.json: the parser, the spec reader, the checks, the plan and
/// the seccomp filter. The result is a configuration or a list of errors; a trap is a bug.
///
/// Of the host only the file of `vfs.seccomp` is read, relative to a bundle that does not exist. Inputs
/// with an absolute name are skipped.
func readConfig(_ bytes: [UInt8]) {
    do throws(JSONSyntaxError) {
        let document = try JSONDocument(bytes)
        try roundTrip(document)
        if document.root["vfs"]?["seccomp"]?.string?.contains("/") == true { return }
        plan(document)
    } catch {
        precondition(error.offset <= bytes.count && error.position.line > 0)
    }
}

/// A parsed document can be written and parsed again.
private func roundTrip(_ document: JSONDocument) throws(JSONSyntaxError) {
    let text = JSONOutput(document.root).prettyText
    let again = try JSONDocument(Array(text.utf8))
    precondition(JSONOutput(again.root).prettyText == text)
    for key in document.duplicateKeys { _ = document.path(to: key.offset) }
}

private func plan(_ document: JSONDocument) {
    var invocation = Invocation()
    invocation.hasTerminal = true
    do throws(ConfigurationError) {
        let (configuration, warnings) = try ConfigurationBuilder.build(
            document, file: "config.json", bundle: "/nonexistent", invocation)
        for warning in warnings { _ = warning.text }
        do throws(Failure) {
            let plan = try Planner.plan(
                configuration, document: document, file: "config.json",
                seccompCache: SeccompCache(directory: "/nonexistent"))
            _ = plan.text
            _ = plan.json.compactText
        } catch {
            preconditionFailure(error.message)
        }
        if case .read(let profile)? = configuration.seccomp?.value {
            _ = try? SeccompCompiler.compile(profile)
        }
    } catch {
        precondition(error.diagnostics.contains { $0.severity == .error })
        for diagnostic in error.diagnostics { _ = diagnostic.text }
    }
}
