using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Fpn.IlGpu.Tests.Architecture;

/// <summary>Sources and tests that the documentation names exist.</summary>
public sealed partial class DocumentationTests
{
    private static readonly string Tree = Path.GetFullPath(Path.Combine(Here(), "../.."));

    private static IEnumerable<string> Pages =>
        [.. Directory.GetFiles(Tree, "*.md").Concat(Directory.GetFiles(Path.Combine(Tree, "docs"), "*.md")).Select(page => Path.GetRelativePath(Tree, page))];

    [TestCaseSource(nameof(Pages))]
    public void Every_source_that_a_page_names_exists(string page)
    {
        var sources = Directory.EnumerateFiles(Tree, "*.cs", SearchOption.AllDirectories).Select(path => "/" + Path.GetRelativePath(Tree, path).Replace('\\', '/')).ToList();
        var named = Source().Matches(File.ReadAllText(Path.Combine(Tree, page))).Select(match => match.Groups[1].Value);
        Assert.That(named.Where(name => !sources.Exists(source => source.EndsWith("/" + name, StringComparison.Ordinal))), Is.Empty);
    }

    [TestCaseSource(nameof(Pages))]
    public void Every_test_that_a_page_names_exists(string page)
    {
        var tests = Assembly.GetExecutingAssembly().GetTypes().SelectMany(type => type.GetMethods()).Select(method => method.Name).ToHashSet();
        var named = Test().Matches(File.ReadAllText(Path.Combine(Tree, page))).Select(match => match.Groups[1].Value);
        Assert.That(named.Where(name => !tests.Contains(name)), Is.Empty);
    }

    [Test]
    public void A_page_with_names_is_among_them()
    {
        var paper = File.ReadAllText(Path.Combine(Tree, "docs/paper.md"));
        Assert.That(Source().Count(paper), Is.GreaterThan(20));
        Assert.That(Test().Count(paper), Is.GreaterThan(20));
    }

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;

    [GeneratedRegex(@"`([A-Za-z0-9./]+\.cs)`")]
    private static partial Regex Source();

    // Tests have names such as A_page_names_its_tests; keys of configurations are in lower case.
    [GeneratedRegex("`([A-Z][A-Za-z0-9]*(?:_[A-Za-z0-9]+){2,})`")]
    private static partial Regex Test();
}
