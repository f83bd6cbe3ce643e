using System.Globalization;

namespace Fpn.IlGpu.Course;

/// <summary>A way to be wrong: what it would compute, and what to tell its author.</summary>
internal sealed record Suspect(string Meaning, float[] Values);

/// <summary>Judges what a kernel did, first its accesses to memory, then its values. The first fault ends the check with a message.</summary>
internal sealed class Verdict(int chapter, string launch)
{
    /// <summary>What errors without a pattern mean where threads share a tile.</summary>
    public const string Scattered =
        "The errors have no pattern. Where threads share a tile, that often means a missing barrier: one after the tile is loaded, so that "
        + "no thread reads what another has not written yet, and one before it is loaded again, so that nobody overwrites what another "
        + "still reads. It can also be a return before a barrier, or a wrong index into the tile.";

    /// <summary>What to say where no common mistake explains the values.</summary>
    public string Otherwise { get; init; }
        = "No common mistake explains these values. Compute this one by hand, and stop at it with a breakpoint.";

    /// <summary>Checks one output, and that no array was accessed outside its bounds.</summary>
    /// <param name="output">The output.</param>
    /// <param name="axes">Its axes.</param>
    /// <param name="inputs">What the kernel read.</param>
    public void Memory<T>(GlobalArray<T> output, Axes axes, params IGlobalArray[] inputs)
        where T : unmanaged
    {
        foreach (var ledger in inputs.Append(output).Select(array => array.Ledger).Append(Ledger.Shared).Append(Ledger.Local))
            Inside(ledger);
        var writes = output.Ledger.Writes;
        if (writes.IndexOfAnyExcept(0) < 0)
            throw Fault($"No thread wrote to {output.Ledger.Name}. {Hole}");
        var missing = writes.IndexOf(0);
        if (missing >= 0)
        {
            var others = writes.Count(0) - 1;
            throw Fault(
                $"{Name(output, axes, missing)} was never written{(others == 0 ? "" : $", nor were {others} other values of {output.Ledger.Name}")}. "
                + "Does a thread return too early, or write to another thread's index?");
        }
        var twice = writes.IndexOfAnyExcept(1);
        if (twice >= 0)
        {
            throw Fault(
                $"{Name(output, axes, twice)} was written {writes[twice]} times. One thread writes each output once: two that write the same "
                + "one overwrite each other, in an order that nobody knows.");
        }
    }

    /// <summary>Checks that no thread was outside an array.</summary>
    public void Inside(Ledger ledger)
    {
        if (ledger.FirstStray is not { } stray)
            return;
        throw Fault(
            $"Thread {stray.Thread} of group {stray.Group} {(stray.IsWrite ? "wrote" : "read")} {ledger.Name}[{stray.Index}], and the array has "
            + $"the indices 0 to {stray.Length - 1}. {(stray.Index < 0 ? "A guard against coordinates below 0 is missing." : "A guard at the end is missing, or an index is made from the wrong sizes.")}");
    }

    /// <summary>Compares values, and says what their pattern of errors often means.</summary>
    public void Equal(string name, Axes axes, float[] expected, float[] got, float tolerance, params Suspect[] suspects)
    {
        var wrong = Enumerable.Range(0, expected.Length).Where(i => !Near(expected[i], got[i], tolerance)).ToArray();
        if (wrong.Length == 0)
            return;
        var first = wrong[0];
        throw Fault(string.Create(CultureInfo.InvariantCulture,
            $"{name}[{axes.Describe(first)}] (index {first}) should be {expected[first]:G6} and is {got[first]:G6}. {wrong.Length} of {expected.Length} values differ.")
            + $"\n{Diagnosis.Of(axes, expected, got, wrong, (a, b) => Near(a, b, tolerance), suspects, Otherwise == Scattered) ?? Otherwise}");
    }

    /// <summary>Compares whole numbers.</summary>
    public void Equal(string name, Axes axes, int[] expected, int[] got, params (string Meaning, int[] Values)[] suspects)
        => Equal(
            name, axes, Array.ConvertAll(expected, v => (float)v), Array.ConvertAll(got, v => (float)v), 0,
            [.. suspects.Select(s => new Suspect(s.Meaning, Array.ConvertAll(s.Values, v => (float)v)))]);

    /// <summary>Checks a count against its limit.</summary>
    public void AtMost(string what, double count, double limit, string otherwise)
    {
        if (count > limit)
            throw Fault(string.Create(CultureInfo.InvariantCulture, $"The values are right, but {what}: {count:0.00}, and at most {limit:0.00} are needed. {otherwise}"));
    }

    /// <summary>Fails with a message of the chapter.</summary>
    public CheckFailedException Fault(string message) => new($"Chapter {chapter}, {launch}:\n{message}");

    /// <summary>What to tell someone who has not begun.</summary>
    public string Hole => $"Fill in the hole in Fpn.IlGpu.Course/Exercises/Chapter{chapter:00}.cs.";

    private static string Name<T>(GlobalArray<T> output, Axes axes, int index)
        where T : unmanaged
        => $"{output.Ledger.Name}[{axes.Describe(index)}] (index {index})";

    private static bool Near(float expected, float got, float tolerance)
        => expected.Equals(got) || MathF.Abs(expected - got) <= tolerance * (1 + MathF.Abs(expected));
}
