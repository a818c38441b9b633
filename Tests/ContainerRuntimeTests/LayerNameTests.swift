import Testing

@testable import ContainerRuntime

@Suite struct `Layers of a stack` {
    /// Names whose order the sorting of a directory of systemd.mstack(7) depends on: with a digit and
    /// something that sorts before digits at the same place both were older than the other.
    private static let names = [
        "layer@)", "layer@2", "layer@10", "layer@02", "layer@", "layer@a", "layer@1a", "layer@a1",
        "",
    ]

    @Test(arguments: names, names)
    func `have one order`(_ one: String, _ other: String) {
        let isOlder = LayerNames.isOlder(one, other)
        #expect(isOlder != LayerNames.isOlder(other, one) || one == other && !isOlder)
        for third in Layers.names where isOlder && LayerNames.isOlder(other, third) {
            #expect(LayerNames.isOlder(one, third))
        }
    }

    @Test func `have that of versions`() {
        let sorted = Layers.names.sorted(by: LayerNames.isOlder)
        #expect(
            sorted == [
                "", "layer@", "layer@1a", "layer@02", "layer@2", "layer@10", "layer@)", "layer@a",
                "layer@a1",
            ])
    }

    private typealias Layers = `Layers of a stack`
}
