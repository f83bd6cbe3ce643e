using System.Reflection;
using System.Text.RegularExpressions;
using Fpn.IlGpu.Course.Checks;

namespace Fpn.IlGpu.Tests.Architecture;

/// <summary>Sources and tests that the documentation names exist.</summary>
public sealed partial class DocumentationTests
{
    // The course's checks are tests, too.
    private static readonly Assembly[] Tests = [Assembly.GetExecutingAssembly(), typeof(Chapter01Check).Assembly];

    private static IEnumerable<string> Pages =>
        [.. Directory.GetFiles(Repository.Folder, "*.md")
            .Concat(Directory.GetFiles(Path.Combine(Repository.Folder, "docs"), "*.md", SearchOption.AllDirectories))
            .Select(page => Path.GetRelativePath(Repository.Folder, page))];

    [TestCaseSource(nameof(Pages))]
    public void Every_source_that_a_page_names_exists(string page)
    {
        var sources = Directory.EnumerateFiles(Repository.Folder, "*.cs", SearchOption.AllDirectories)
            .Select(path => "/" + Path.GetRelativePath(Repository.Folder, path).Replace('\\', '/')).ToList();
        var named = Source().Matches(File.ReadAllText(Path.Combine(Repository.Folder, page))).Select(match => match.Groups[1].Value);
        Assert.That(named.Where(name => !sources.Exists(source => source.EndsWith("/" + name, StringComparison.Ordinal))), Is.Empty);
    }

    [TestCaseSource(nameof(Pages))]
    public void Every_test_that_a_page_names_exists(string page)
    {
        var tests = Tests.SelectMany(assembly => assembly.GetTypes()).SelectMany(type => type.GetMethods()).Select(method => method.Name).ToHashSet();
        var named = Test().Matches(File.ReadAllText(Path.Combine(Repository.Folder, page))).Select(match => match.Groups[1].Value);
        Assert.That(named.Where(name => !tests.Contains(name)), Is.Empty);
    }

    [Test]
    public void A_page_with_names_is_among_them()
    {
        var paper = File.ReadAllText(Path.Combine(Repository.Folder, "docs/paper.md"));
        Assert.That(Source().Count(paper), Is.GreaterThan(20));
        Assert.That(Test().Count(paper), Is.GreaterThan(20));
    }

    [GeneratedRegex(@"`([A-Za-z0-9./]+\.cs)`")]
    private static partial Regex Source();

    // Tests have names such as A_page_names_its_tests; keys of configurations are in lower case.
    [GeneratedRegex("`([A-Z][A-Za-z0-9]*(?:_[A-Za-z0-9]+){2,})`")]
    private static partial Regex Test();
}
