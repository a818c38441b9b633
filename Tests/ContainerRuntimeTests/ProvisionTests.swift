import Foundation
import Testing

@testable import ContainerRuntime

/// What steps need of one another.
struct `Provisions of steps` {
    @Test func `that no step gives are refused when the plan is made`() {
        var plan = PlannedSteps()
        plan.add(RequireStreams())
        #expect(plan.lack == nil)
        plan.add(PivotRoot())
        #expect(
            plan.lack == "the step \"\(PivotRoot().summary)\" needs the init process, root,"
                + " which no step before gives")
    }

    @Test func `are given by the steps before`() {
        var plan = PlannedSteps()
        plan.add(CreateNamespaces(namespaces: .mount))
        plan.add(PivotRoot())
        #expect(plan.lack?.hasSuffix("needs the root, which no step before gives") == true)
        plan = PlannedSteps()
        plan.add(CreateNamespaces(namespaces: .mount))
        plan.add(MountRootDirectory(path: "/"))
        plan.add(PivotRoot())
        #expect(plan.lack == nil)
    }

    /// The runtime process itself is never the one that is moved.
    @Test func `include the init process for the runtime's turns`() {
        var plan = PlannedSteps()
        plan.add(MoveIntoControlGroup())
        #expect(plan.lack?.contains("needs the control group, init process, which") == true)
    }

    /// What a step takes it has declared: `given(.root)` in its file, or a helper that takes it.
    @Test func `are declared by every step that takes one`() throws {
        let steps = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/ContainerRuntime/Steps").standardizedFileURL
        let files = try #require(FileManager.default.enumerator(atPath: steps.path))
        let step = /struct \w+: (?:Runtime|Turn|Spawning|Container)Step\b/
        let helpers = [
            ("context.place(", "root"), ("context.rootPlace(", "root"),
            ("PathTarget.open(", "root"), ("MountTarget(mount: mount).open(", "root"),
            ("target.open(context", "root"), ("takeSource(", "bindSources"),
            ("enterControlGroup(", "controlGroup"), ("enterResctrlGroup(", "resctrlGroup"),
        ]
        var found = 0
        for case let name as String in files where name.hasSuffix(".swift") {
            let text = try String(contentsOf: steps.appending(path: name), encoding: .utf8)
            // What EnterNamespaces takes it was given when it was planned.
            if !text.contains(step) || name.hasSuffix("/EnterNamespaces.swift") { continue }
            let declared =
                text.components(separatedBy: "needs: Provisions").dropFirst().first?
                .prefix { $0 != "}" } ?? ""
            var taken = text.matches(of: /\.given\(\.(\w+)\)/).map { String($0.1) }
            for (call, provision) in helpers where text.contains(call) { taken.append(provision) }
            for provision in Set(taken) {
                #expect(declared.contains(".\(provision)"), "\(name) takes \(provision)")
                found += 1
            }
        }
        #expect(found > 40)
    }
}
