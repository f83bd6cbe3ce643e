using System.Text.RegularExpressions;
using Fpn.IlGpu.Tests.Cli;

namespace Fpn.IlGpu.Tests.Course;

/// <summary>The pages of the course: their length, their links and pictures, and every command in them.</summary>
internal sealed partial class CoursePageTests : CommandTest
{
    private const int Chapters = 14;
    private const int Questions = 25;
    private const int MostLines = 150;

    private static readonly string Tree = Repository.Folder;
    private static readonly string Course = Path.Combine(Tree, "docs", "course");

    private static string[] Pages => [.. Directory.GetFiles(Course, "*.md").Select(page => Path.GetFileName(page)).Order(StringComparer.Ordinal)];

    private static string[] ChapterPages => [.. Pages.Where(page => char.IsDigit(page[0]))];

    // One for each different line, so that none runs twice.
    private static IEnumerable<string> Commands => Pages.SelectMany(page => Command().Matches(Read(page)).Select(match => match.Groups[1].Value)).Distinct();

    [TestCaseSource(nameof(ChapterPages))]
    public void A_chapter_is_short_and_has_a_picture_a_prediction_and_a_check(string page)
    {
        var text = Read(page);
        var number = page[..2];
        Assert.That(text.Split('\n'), Has.Length.LessThanOrEqualTo(MostLines));
        Assert.That(text, Does.Contain("](pictures/" + number).And.Contain("## Predict").And.Contain("## The exercise").And.Contain("## Compare"));
        Assert.That(text, Does.Contain($"Fpn.IlGpu.Course/Exercises/Chapter{number}.cs").And.Contain($"--filter Chapter{number}"));
    }

    [TestCaseSource(nameof(Pages))]
    public void Links_and_pictures_of_a_page_exist(string page)
        => Assert.That(
            Link().Matches(Read(page)).Select(match => match.Groups[1].Value).Where(target => !target.StartsWith("https:", StringComparison.Ordinal))
                .Where(target => !File.Exists(Path.Combine(Course, target.Split('#')[0]))),
            Is.Empty);

    [Test]
    public void There_are_fourteen_chapters_and_the_FAQ_has_25_questions_with_code_and_paper()
    {
        Assert.That(ChapterPages.Select(page => int.Parse(page[..2], null)), Is.EqualTo(Enumerable.Range(1, Chapters)));
        var answers = Answer().Matches(Read("faq.md")).Select(match => (Number: int.Parse(match.Groups[1].Value, null), Text: match.Value)).ToArray();
        Assert.That(answers.Select(answer => answer.Number), Is.EqualTo(Enumerable.Range(1, Questions)));
        Assert.That(answers.Select(answer => answer.Text), Has.All.Contains("Code: `").And.All.Contains("Paper: "));
    }

    [TestCaseSource(nameof(Commands))]
    public void A_command_of_the_course_runs(string command)
    {
        foreach (var folder in (string[])["samples", "weights"])
        {
            foreach (var file in Directory.GetFiles(Path.Combine(Tree, folder)).Where(file => command.Contains(Path.GetFileName(file), StringComparison.Ordinal)))
                Put(Path.Combine(folder, Path.GetFileName(file)), File.ReadAllBytes(file));
        }
        Fpn(command.Split(' ')).AssertExit(0);
    }

    [Test]
    public void Commands_are_among_the_lines()
        => Assert.That(Commands, Is.SupersetOf((string[])["devices", "detect samples/shapes-320x320.png", "explain samples/shapes-320x320.png"]));

    private static string Read(string page) => File.ReadAllText(Path.Combine(Course, page));

    [GeneratedRegex(@"^fpn (.+)$", RegexOptions.Multiline)]
    private static partial Regex Command();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^\*\*(\d+)\. .+$", RegexOptions.Multiline)]
    private static partial Regex Answer();
}
