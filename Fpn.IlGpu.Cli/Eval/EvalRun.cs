using System.Globalization;

using Fpn.IlGpu.Data;
using Fpn.IlGpu.Evaluation;
using Fpn.IlGpu.Files;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Cli;

/// <summary>One run of <c>fpn eval</c>: reads the ground truth, reads or computes the results, and reports the figures.</summary>
internal sealed class EvalRun(EvalSettings settings, Screen screen, CancellationToken stop)
{
    private readonly FilesInUse inUse = new();
    private readonly Heartbeat heartbeat = Heartbeat.Of(screen);
    private readonly AnnotationProblems problems = new();
    private bool failed;

    /// <summary>Runs the command and returns the process's exit code.</summary>
    /// <exception cref="CommandException">An output can't be written, or the model can't be evaluated on this ground truth.</exception>
    /// <exception cref="AnnotationException">The truth or the results can't be used.</exception>
    /// <exception cref="Tensors.WeightsException">The model can't be loaded.</exception>
    /// <exception cref="Runtime.DeviceException">The device can't be opened.</exception>
    public int Execute()
    {
        var masks = settings.Kinds.Contains(EvaluationKind.Mask);
        var truth = ReadTruth(masks, detects: settings.Results is null);
        using var json = OutputFile.Open(settings.Json, "--json", inUse);
        using var saved = OutputFile.Open(settings.SaveResults, "--save-results", inUse);
        CheckDrawings(truth);
        if (truth.Objects.Count == 0)
            screen.Error($"'{settings.Truth}' has no objects, so there are no figures.");
        EvaluationResults results;
        if (settings.Results is { } file)
        {
            results = EvaluationResults.Read(file, truth, masks);
        }
        else
        {
            var detection = new EvalDetection(settings, screen, stop);
            (truth, results) = detection.Run(truth);
            if (stop.IsCancellationRequested)
            {
                screen.WriteLine("Stopped before the last picture; there are no figures.");
                return ExitCode.Interrupted;
            }
            saved?.Write(results.Write);
            Limit(detection.Problems);
        }
        Limit(results.Problems);
        Warn(results.Problems);
        if (results.AreProposals && !settings.Proposals)
            throw new CommandException($"The results have no classes ('category_id'); evaluate them with --proposals.");
        screen.WriteLine(
            $"{Count(truth.Pictures.Count, "picture")}, {Count(truth.Objects.Count, "object")} of "
            + $"{truth.Categories.Count} classes; {Count(results.Objects.Count, settings.Proposals ? "proposal" : "detection")}");
        CocoEvaluation[] evaluations = [.. settings.Kinds.Select(kind => CocoEvaluation.Of(truth, results, kind))];
        screen.Write(settings.Proposals ? FigureTable.OfProposals(evaluations) : FigureTable.OfDetections(evaluations));
        if (!settings.Proposals && evaluations[0].Categories.Count > 1)
            screen.Write(FigureTable.ByClass(evaluations, truth));
        json?.Write(stream => EvaluationJson.Write(evaluations, stream, results.AreProposals));
        DrawCurves(evaluations);
        DrawWorst(truth, results);
        return stop.IsCancellationRequested ? ExitCode.Interrupted : failed ? ExitCode.SomethingFailed : ExitCode.Done;
    }

    /// <summary>Only detects, and writes the results; returns the process's exit code.</summary>
    /// <exception cref="CommandException">The output can't be written, or the model can't be evaluated on this ground truth.</exception>
    /// <exception cref="AnnotationException">The truth can't be used.</exception>
    /// <exception cref="Tensors.WeightsException">The model can't be loaded.</exception>
    /// <exception cref="Runtime.DeviceException">The device can't be opened.</exception>
    public int FindOnly()
    {
        var truth = ReadTruth(masks: false, detects: true);
        using var saved = OutputFile.Open(settings.SaveResults, "--out", inUse)!;
        var detection = new EvalDetection(settings, screen, stop);
        (truth, var results) = detection.Run(truth);
        if (stop.IsCancellationRequested)
        {
            screen.WriteLine("Stopped before the last picture; nothing was written.");
            return ExitCode.Interrupted;
        }
        saved.Write(results.Write);
        Limit(detection.Problems);
        screen.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Count(truth.Pictures.Count, "picture")}, {Count(results.Objects.Count, "proposal")} "
            + $"({results.Objects.Count / detection.Time.TotalSeconds:F0} a second): {settings.SaveResults}"));
        return failed ? ExitCode.SomethingFailed : ExitCode.Done;
    }

    // Refuses if too much is left out by now.
    private void Limit(AnnotationProblems more)
    {
        problems.Add(more);
        problems.Check(settings.AllowProblems, settings.Problems);
        failed |= problems.Lost(AnnotationPart.Pictures) > 0;
    }

    private void Warn(AnnotationProblems problems)
    {
        foreach (var sentence in problems.Sentences())
            screen.Error(sentence);
    }

    // The outputs are opened after this, and before a long run: only now are all the inputs known.
    private EvaluationTruth ReadTruth(bool masks, bool detects)
    {
        if (settings.Images is { } images && !Directory.Exists(images))
            throw new CommandException($"There is no folder '{images}'; --images must be the folder of the truth's pictures.");
        var truth = Directory.Exists(settings.Truth) ? ReadVoc(masks) : EvaluationTruth.Read(settings.Truth, masks);
        inUse.AddInputs(settings.Truth, settings.Results, settings.FromProposals);
        if (settings.Results is null)
            inUse.AddInputs(ModelArgument.FilesOf(ModelArgument.FileOf(settings.Model)));
        inUse.AddInputs(Pictures(truth));
        if (settings.Problems is { } list)
            OutputFile.Check(list, "--problems", inUse);
        if (detects)
        {
            var checking = new CheckingLine(screen, heartbeat, "Checking the pictures", truth.Pictures.Count);
            truth = truth.WithoutUnusablePictures(settings.Images!, settings.Exif, checking);
            screen.Progress("");
        }
        Limit(truth.Problems);
        Warn(truth.Problems);
        return truth;
    }

    // Its pictures are where it says, unless --images says otherwise.
    private EvaluationTruth ReadVoc(bool masks)
    {
        if (masks)
            throw new CommandException($"'{settings.Truth}' is a VOC folder, which has no masks; evaluate boxes with --kind bbox.");
        var set = VocFolder.Read(settings.Truth, settings.Split, exif: settings.Exif);
        settings = settings with { Images = settings.Images ?? set.Folder };
        inUse.AddInputs(Directory.EnumerateFiles(settings.Truth, "*", SearchOption.AllDirectories));
        return EvaluationTruth.Of(set);
    }

    private IEnumerable<string> Pictures(EvaluationTruth truth)
        => settings.Images is null ? [] : truth.Pictures.Select(picture => Path.Join(settings.Images, picture.FileName));

    private void CheckDrawings(EvaluationTruth truth)
    {
        foreach (var curves in CurveFiles().Values)
        {
            OutputFile.Check(curves, "--curves", inUse);
            if (Path.GetExtension(curves).ToLowerInvariant() is not (".png" or ".jpg" or ".jpeg"))
                throw new CommandException($"--curves is '{curves}'; it must end in .png, .jpg or .jpeg.");
            OutputFile.CheckFolder(Path.GetDirectoryName(Path.GetFullPath(curves))!, "--curves");
        }
        if (settings.Worst is not { } worst)
            return;
        var drawn = FileIdentity.RealPath(worst);
        if (Pictures(truth).Select(Path.GetDirectoryName).Distinct().Any(folder => FileIdentity.RealPath(folder!) == drawn))
            throw new CommandException($"The folder '{worst}' holds the truth's pictures, which drawings could replace; choose another with --worst.");
        OutputFile.CheckFolder(worst, "--worst");
    }

    // With both kinds, each has its own file.
    private Dictionary<EvaluationKind, string> CurveFiles() => settings.Curves is not { } path
        ? []
        : settings.Kinds.ToDictionary(kind => kind, kind => settings.Kinds.Count == 1
            ? path
            : Path.ChangeExtension(path, EvaluationJson.NameOf(kind) + Path.GetExtension(path)));

    private void DrawCurves(CocoEvaluation[] evaluations)
    {
        var files = CurveFiles();
        foreach (var evaluation in evaluations.Where(evaluation => files.ContainsKey(evaluation.Kind)))
        {
            PictureWriter.Write(PrecisionCurves.Draw(evaluation), files[evaluation.Kind]);
            screen.WriteLine($"The precision-recall curves are in {files[evaluation.Kind]}.");
        }
    }

    private void DrawWorst(EvaluationTruth truth, EvaluationResults results)
    {
        if (settings.Worst is not { } folder)
            return;
        var drawn = 0;
        var worst = PictureMisses.Worst(truth, results, settings.Kinds[0], settings.WorstCount);
        foreach ((var rank, var misses) in worst.Index().TakeWhile(_ => !stop.IsCancellationRequested))
        {
            var path = Path.Join(settings.Images, misses.Picture.FileName);
            try
            {
                var picture = misses.Draw(PictureReader.Read(path, exif: settings.Exif), truth.Categories);
                var name = Path.GetFileNameWithoutExtension(misses.Picture.FileName);
                PictureWriter.Write(picture, Path.Join(folder, FileNames.Fit(string.Create(CultureInfo.InvariantCulture, $"{rank + 1:D3}-{name}"), ".png")));
                drawn++;
            }
            catch (Exception exception) when (exception is PictureException or IOException or UnauthorizedAccessException)
            {
                failed = true;
                screen.Error(exception, path);
            }
        }
        screen.WriteLine(worst.Count == 0
            ? "No object was missed and no detection is wrong; there is nothing to draw."
            : $"{Count(drawn, "picture")} with the most errors: {folder}");
    }

    private static string Count(int number, string noun)
        => string.Create(CultureInfo.InvariantCulture, $"{number} {noun}{(number == 1 ? "" : "s")}");
}
