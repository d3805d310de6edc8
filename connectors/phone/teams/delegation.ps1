#Requires -Modules MicrosoftTeams
<#
Call delegations to add, change and remove in Microsoft Teams.

    Connect-MicrosoftTeams
    ./delegation.ps1                    shows what it would do
    ./delegation.ps1 -WhatIf:$false     does it

It may be run again at any time: what is there already is left alone. Each line on standard output
is done, missing or failed, the delegator, the delegate, and what Teams said.
#>
[CmdletBinding()]
param([switch]$WhatIf = $true)
$ErrorActionPreference = 'Stop'
$Most = 25 # MOST
$All = 'MakeCalls', 'ReceiveCalls', 'ManageSettings', 'PickUpHeldCalls', 'JoinActiveCalls'

function Write-Step([string]$State, [string]$User, [string]$Delegate, [string]$Text) {
    "$State`t$User`t$Delegate`t$($Text -replace '\s+', ' ')"
}

function Get-Delegates([string]$User) {
    @((Get-CsUserCallingSettings -Identity $User).Delegates | Where-Object { $_ })
}

function Find-Delegate($Delegates, [string]$Delegate) {
    $Delegates | Where-Object { $_.Id -replace '^sip:', '' -eq $Delegate } | Select-Object -First 1
}

function Get-Rights([string[]]$Rights) {
    $wished = @{}
    foreach ($name in $All) { $wished[$name] = $Rights -contains $name }
    $wished
}

# Without rights of their own, new delegates get what the delegator's others have.
function Add-Delegate([string]$User, [string]$Delegate, [string[]]$Rights) {
    try {
        $there = Get-Delegates $User
        if (Find-Delegate $there $Delegate) { return Write-Step 'done' $User $Delegate 'is a delegate' }
        if ($there.Count -ge $Most) { return Write-Step 'failed' $User $Delegate "has $Most delegates" }
        $wished = Get-Rights $Rights
        if (-not $Rights) {
            $wished = Get-Rights @('MakeCalls', 'ReceiveCalls')
            if ($there.Count) { foreach ($name in $All) { $wished[$name] = [bool]$there[0].$name } }
        }
        if ($WhatIf) { return Write-Step 'missing' $User $Delegate 'would be added' }
        New-CsUserCallingDelegate -Identity $User -Delegate $Delegate @wished | Out-Null
        Write-Step 'done' $User $Delegate 'added'
    }
    catch { Write-Step 'failed' $User $Delegate $_.Exception.Message }
}

function Remove-Delegate([string]$User, [string]$Delegate) {
    try {
        if (-not (Find-Delegate (Get-Delegates $User) $Delegate)) {
            return Write-Step 'done' $User $Delegate 'is no delegate'
        }
        if ($WhatIf) { return Write-Step 'missing' $User $Delegate 'would be removed' }
        Remove-CsUserCallingDelegate -Identity $User -Delegate $Delegate | Out-Null
        Write-Step 'done' $User $Delegate 'removed'
    }
    catch { Write-Step 'failed' $User $Delegate $_.Exception.Message }
}

function Set-Delegates([string]$User, [string[]]$Rights) {
    $wished = Get-Rights $Rights
    foreach ($each in (Get-Delegates $User)) {
        $delegate = $each.Id -replace '^sip:', ''
        try {
            $differ = @($All | Where-Object { [bool]$each.$_ -ne $wished[$_] })
            if (-not $differ.Count) { Write-Step 'done' $User $delegate 'has these rights'; continue }
            if ($WhatIf) { Write-Step 'missing' $User $delegate "would change: $differ"; continue }
            Set-CsUserCallingDelegate -Identity $User -Delegate $delegate @wished | Out-Null
            Write-Step 'done' $User $delegate "changed: $differ"
        }
        catch { Write-Step 'failed' $User $delegate $_.Exception.Message }
    }
}

# STEPS
