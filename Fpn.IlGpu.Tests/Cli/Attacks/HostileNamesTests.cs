using Fpn.IlGpu.Cli;
using Spectre.Console;

namespace Fpn.IlGpu.Tests.Cli;

/// <summary>File and class names that would control the terminal, and tables on a narrow one.</summary>
internal sealed class HostileNamesTests : CommandTest
{
    [TestCase("a\rfpn: forged", "a?fpn: forged")]
    [TestCase("a\nfpn: forged", "a?fpn: forged")]
    [TestCase("a\tb\0\u001b[2J", "a?b??[2J")]
    [TestCase("cod\u202Egnp.exe", "cod?gnp.exe")]
    [TestCase("\u2066a\u2069\u200F\u061C", "?a???")]
    [TestCase("a\u2028b\u2029c\u0085d\u009Be", "a?b?c?d?e")]
    [TestCase("zero\u200Bwidth\uFEFF", "zero?width?")]
    [TestCase("tag\U000E0041", "tag?")]
    [TestCase("größe 猫 😀 می‌خواهم 👩‍🚀", "größe 猫 😀 می‌خواهم 👩‍🚀")]
    public void Only_printable_characters_reach_the_terminal(string text, string printed)
        => Assert.That(Screen.Printable(text), Is.EqualTo(printed));

    [TestCase("x\u202Egnp.png")]
    [TestCase("x\nfpn: forged.png")]
    [TestCase("x\r\u001b]0;title\u0007.png")]
    [Platform(Exclude = "Win", Reason = "Windows has no such file names.")]
    public void A_hostile_file_name_forges_no_line(string name)
    {
        PutSample($"in/{name}");
        Put($"bad/{name}", "no picture"u8.ToArray());

        var result = Fpn("detect", "in", "bad", "missing\u202E\r.png", "--no-pictures");
        var json = FpnProcess.Run(Folder, "detect", "in", "--json", "-", "--no-pictures");

        result.AssertExit(1);
        Assert.That(result.Output.Split('\n'), Has.None.StartsWith("fpn: forged"));
        Assert.That(result.Errors, Has.Length.EqualTo(2).And.None.StartsWith("fpn: forged"));
        Assert.That(result.Output + result.Error + json.Output, Has.None.EqualTo('\u202E').And.None.EqualTo('\r').And.None.EqualTo('\x1b'));
        Assert.That(json.Output.TrimEnd('\n').Split('\n'), Has.Length.EqualTo(1));
        using var line = System.Text.Json.JsonDocument.Parse(json.Output);
        Assert.That(line.RootElement.GetProperty("image").GetString(), Is.EqualTo(Path.Join("in", name)), "escaped, not replaced");
    }

    [TestCase(true)]
    [TestCase(false)]
    public void A_table_on_a_terminal_of_20_columns_keeps_its_numbers(bool isWrapped)
    {
        string[] numbers = ["0.9871", "1234.5", "2345.6", "3456.7", "4567.8"];
        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumn(isWrapped ? new TableColumn("label") : new TableColumn("a label").NoWrap());
        foreach (var number in numbers)
            table.AddColumn(new TableColumn("x").RightAligned().NoWrap());
        table.AddRow(["traffic light", .. numbers]);

        using var text = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(text) });
        console.Profile.Width = Math.Max(20, Screen.LeastWidth(table, console));
        console.Write(table);

        foreach (var number in numbers)
            Assert.That(text.ToString(), Does.Contain(number));
        Assert.That(text.ToString(), Does.Contain(isWrapped ? "traffic" : "traffic light"));
        Assert.That(text.ToString().Split('\n')[0].TrimEnd(), Has.Length.EqualTo(console.Profile.Width), "no wider than it must be");
    }
}
